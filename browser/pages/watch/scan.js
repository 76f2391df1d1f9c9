// Looks through the camera until there is a code: by the browser's own detector, else by a decoder that is loaded only then.

const LOOK_MILLISECONDS = 200;
const WIDEST = 640;

const REFUSED = {
  NotAllowedError: 'The camera is not allowed here. Show a short code instead.',
  NotFoundError: 'There is no camera here. Show a short code instead.',
  NotReadableError: 'The camera is in use elsewhere.',
};

/** What `read` makes of the first code that it takes; null when `signal` came first. Throws an error that says what is missing. */
export async function watchFor(video, { signal, read, foreign }) {
  const camera = await navigator.mediaDevices?.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } })
    .catch((cause) => { throw new Error(REFUSED[cause.name] ?? 'The camera cannot be used.', { cause }); });
  if (!camera) throw new Error(REFUSED.NotFoundError);
  try {
    const codesIn = await detector();
    video.srcObject = camera;
    await video.play();
    while (!signal.aborted) {
      // A picture that cannot be read is one without a code; the next one comes at once.
      for (const text of await codesIn(video).catch(() => [])) {
        const found = read(text);
        if (found) return found;
        foreign();
      }
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MILLISECONDS); });
    }
    return null;
  } finally {
    // The light of a camera that nobody needs any more goes out.
    for (const track of camera.getTracks()) track.stop();
  }
}

async function detector() {
  if ('BarcodeDetector' in globalThis && (await BarcodeDetector.getSupportedFormats()).includes('qr_code')) {
    const own = new BarcodeDetector({ formats: ['qr_code'] });
    return async (video) => (await own.detect(video)).map(({ rawValue }) => rawValue);
  }
  const scan = await import('../scanner/scanner.js').then(({ default: load }) => load())
    .catch((cause) => { throw new Error('Codes cannot be read here. Show a short code instead.', { cause }); });
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return async (video) => {
    if (video.videoWidth === 0) return [];
    canvas.width = Math.min(WIDEST, video.videoWidth);
    canvas.height = Math.round(canvas.width * video.videoHeight / video.videoWidth);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const text = scan(context.getImageData(0, 0, canvas.width, canvas.height));
    return text ? [text] : [];
  };
}
