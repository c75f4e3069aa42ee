/** Reads QR codes with the camera, and from picture files. Before: scanner.tsx. */
/** Between two looks; a look takes about a frame's time. */
const LOOK_EVERY_MS = 120;
/** Longer sides are scaled down: a code that fills a tenth of the picture is still read. */
const MAX_CAMERA_SIDE = 960;
const MAX_PICTURE_SIDE = 2_048;
/** Bytes of a picture file. */
const MAX_PICTURE_BYTES = 16_777_216;

export type NoCamera = 'refused' | 'missing';

export interface CameraWatcher {
  /** The picture of the camera is on the page. */
  readonly onSeeing: () => void;
  readonly onText: (text: string) => void;
  readonly onNone: (reason: NoCamera) => void;
}

/** Looks through the camera until the function that it gives is called, or a code was read. */
export function watchCamera(video: HTMLVideoElement, watcher: CameraWatcher): () => void {
  const stopping = new AbortController();
  void look(video, watcher, stopping.signal);
  return () => stopping.abort();
}

async function look(
  video: HTMLVideoElement,
  watcher: CameraWatcher,
  signal: AbortSignal,
): Promise<void> {
  let stream: MediaStream | undefined;
  try {
    stream = await openCamera();
    video.srcObject = stream;
    if (!signal.aborted) await video.play();
    if (!signal.aborted) watcher.onSeeing();
    const read = await openReader(MAX_CAMERA_SIDE);
    while (!signal.aborted) {
      const text = read(video, video.videoWidth, video.videoHeight);
      if (text !== undefined) {
        watcher.onText(text);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  } catch (error) {
    const isRefused = error instanceof DOMException && error.name === 'NotAllowedError';
    if (!signal.aborted) watcher.onNone(isRefused ? 'refused' : 'missing');
  } finally {
    // The camera's light goes out, also when the dialog was closed while the user was asked.
    for (const track of stream?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  }
}

async function openCamera(): Promise<MediaStream> {
  const { mediaDevices } = navigator as { readonly mediaDevices?: MediaDevices };
  if (mediaDevices === undefined) throw new Error('this browser has no camera');
  const video = { facingMode: 'environment', width: { ideal: 1_280 } };
  return await mediaDevices.getUserMedia({ video, audio: false });
}

/** The text of the code in a picture file; undefined when there is none, or it is no picture. */
export async function readPicture(file: Blob): Promise<string | undefined> {
  if (file.size > MAX_PICTURE_BYTES) return undefined;
  const picture = await createImageBitmap(file).catch(() => undefined);
  if (picture === undefined) return undefined;
  const read = await openReader(MAX_PICTURE_SIDE);
  const text = read(picture, picture.width, picture.height);
  picture.close();
  return text;
}

type Reader = (source: CanvasImageSource, width: number, height: number) => string | undefined;

/** Reads codes from pictures, one after the other. The decoder is loaded when it is needed. */
async function openReader(maxSide: number): Promise<Reader> {
  const { decodeQR } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  return (source, width, height) => {
    if (width === 0 || height === 0) return undefined;
    const scale = Math.min(1, maxSide / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) return undefined;
    // What is transparent in a picture counts as paper.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    try {
      return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
    } catch {
      return undefined;
    }
  };
}
