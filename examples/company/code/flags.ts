/**
 * Client of the flag console.
 *
 * Flags are read from memory and never from the network, so that asking for one costs nothing. A flag that is not known is
 * off.
 */

/** One flag as the console sends it. */
export interface Flag {
  name: string;
  owner: string;
  /** Regions in which the flag is on; an empty list means everywhere. */
  regions: string[];
  /** Share of the players that see it, from 0 to 100. */
  percent: number;
}

interface Snapshot {
  version: number;
  flags: Map<string, Flag>;
  fetchedAt: number;
}

export interface FlagClientOptions {
  url: string;
  region: string;
  /** Milliseconds between two looks at the console. */
  refreshMs?: number;
  /** A snapshot older than this is reported as stale, but still used. */
  staleAfterMs?: number;
  fetch?: typeof fetch;
  now?: () => number;
}

export class FlagClient {
  private snapshot: Snapshot = { version: 0, flags: new Map(), fetchedAt: 0 };
  private timer?: NodeJS.Timeout;

  constructor(private readonly options: FlagClientOptions) {}

  /** Reads the flags once and then every 15 seconds, until `stop`. The first read must succeed. */
  async start(): Promise<void> {
    await this.refresh();
    this.timer = setInterval(() => {
      this.refresh().catch((error: unknown) => console.warn("flags could not be read", error));
    }, this.options.refreshMs ?? 15_000);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Whether a flag is on for a player. The same player always gets the same answer for the same share. */
  isOn(name: string, playerId: string): boolean {
    const flag = this.snapshot.flags.get(name);
    if (flag === undefined) return false;
    if (flag.regions.length > 0 && !flag.regions.includes(this.options.region)) return false;
    return bucketOf(name, playerId) < flag.percent;
  }

  /** True when the console has been out of reach for longer than five minutes; readiness does not depend on it. */
  isStale(): boolean {
    const age = this.now() - this.snapshot.fetchedAt;
    return age > (this.options.staleAfterMs ?? 5 * 60_000);
  }

  private async refresh(): Promise<void> {
    const get = this.options.fetch ?? fetch;
    const response = await get(`${this.options.url}/v1/flags?since=${this.snapshot.version}`, {
      signal: AbortSignal.timeout(2_000),
    });
    if (response.status === 304) {
      this.snapshot.fetchedAt = this.now();
      return;
    }
    if (!response.ok) throw new Error(`the flag console answered ${response.status}`);
    const body = (await response.json()) as { version: number; flags: Flag[] };
    this.snapshot = {
      version: body.version,
      flags: new Map(body.flags.map((flag) => [flag.name, flag])),
      fetchedAt: this.now(),
    };
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

/** FNV-1a over flag and player, reduced to 0..99: two flags at 10 percent do not hit the same players. */
export function bucketOf(name: string, playerId: string): number {
  let hash = 0x811c9dc5;
  for (const character of `${name}:${playerId}`) {
    hash ^= character.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash % 100;
}
