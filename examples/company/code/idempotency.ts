/**
 * Idempotency keys for routes that create or charge something.
 *
 * The first request with a key does the work; every later one with the same key and the same body gets the stored answer.
 */

import { createHash } from "node:crypto";
import type { Request, Response, NextFunction, RequestHandler } from "express";

/** What is kept under a key. */
interface StoredAnswer {
  fingerprint: string;
  state: "running" | "done";
  status?: number;
  body?: unknown;
}

/** Where answers are kept; `putIfAbsent` must be atomic. */
export interface AnswerStore {
  putIfAbsent(key: string, answer: StoredAnswer, ttlSeconds: number): Promise<StoredAnswer | null>;
  replace(key: string, answer: StoredAnswer, ttlSeconds: number): Promise<void>;
  remove(key: string): Promise<void>;
}

const KEY_PATTERN = /^[A-Za-z0-9_-]{8,64}$/;
const ANSWER_TTL_SECONDS = 24 * 60 * 60;
/** A request that dies half-way frees its key after this time. */
const RUNNING_TTL_SECONDS = 90;

/** The hash that tells whether two requests ask for the same thing. */
export function fingerprint(method: string, path: string, body: unknown): string {
  return createHash("sha256")
    .update(`${method}\n${path}\n${JSON.stringify(body ?? null)}`)
    .digest("hex");
}

function problem(res: Response, status: number, type: string, detail: string): void {
  res.status(status).type("application/problem+json").send(JSON.stringify({ type, status, detail }));
}

/** Wraps a route so that it runs once per key and caller. */
export function idempotent(store: AnswerStore): RequestHandler {
  return async (req: Request, res: Response, next: NextFunction) => {
    const header = req.get("Idempotency-Key");
    if (header === undefined || !KEY_PATTERN.test(header)) {
      problem(res, 400, "/problems/idempotency-key", "Idempotency-Key is missing or malformed");
      return;
    }
    // The caller is part of the key: nobody may read another caller's answer by guessing.
    const key = `${res.locals.callerId}:${header}`;
    const print = fingerprint(req.method, req.path, req.body);
    try {
      const earlier = await store.putIfAbsent(key, { fingerprint: print, state: "running" }, RUNNING_TTL_SECONDS);
      if (earlier !== null) {
        replay(res, earlier, print);
        return;
      }
    } catch (error) {
      next(error);
      return;
    }

    const send = res.json.bind(res);
    res.json = (body: unknown) => {
      // A failure on our side may be tried again with the same key; everything else is final.
      const kept = res.statusCode >= 500
        ? store.remove(key)
        : store.replace(key, { fingerprint: print, state: "done", status: res.statusCode, body }, ANSWER_TTL_SECONDS);
      kept.catch((error) => req.log.error({ error }, "the answer could not be kept")).finally(() => send(body));
      return res;
    };
    next();
  };
}

function replay(res: Response, earlier: StoredAnswer, print: string): void {
  if (earlier.fingerprint !== print) {
    problem(res, 409, "/problems/key-reused", "this key was used for another request");
  } else if (earlier.state === "running") {
    res.set("Retry-After", "2");
    problem(res, 409, "/problems/still-running", "the first request with this key has not ended");
  } else {
    res.set("Idempotency-Replayed", "true").status(earlier.status ?? 200).json(earlier.body);
  }
}
