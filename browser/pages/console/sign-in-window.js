// Signing in again in a window of its own, so that the page with all that is open in it stays. That window only hands the provider's answer
// over; what is needed to make a token of it is in the page that began.

const CHANNEL = 'watchgate-console-sign-in';
const TAKEN_MILLISECONDS = 3_000;

/** In the window: gives the answer to the page that waits for it. False where none does. */
export function handOver(answer) {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise((resolve) => {
    const timer = setTimeout(() => { channel.close(); resolve(false); }, TAKEN_MILLISECONDS);
    channel.onmessage = ({ data }) => {
      if (data?.taken !== answer.state) return;
      clearTimeout(timer);
      channel.close();
      resolve(true);
    };
    channel.postMessage({ answer });
  });
}

/** In the page: waits for the answer with this state, until `signal`. */
export function handedOver(state, { signal, take }) {
  const channel = new BroadcastChannel(CHANNEL);
  signal.addEventListener('abort', () => channel.close());
  channel.onmessage = ({ data }) => {
    if (data?.answer?.state !== state) return;
    channel.postMessage({ taken: state });
    channel.close();
    take(data.answer);
  };
}
