/**
 * Reads the text of a QR code from a picture, for links and safety numbers that somebody sent or
 * photographed. Before: contact-commands.ts, request-commands.ts.
 */
import { readFile } from 'node:fs/promises';
import { ClientError } from '../client-error.ts';

/** Bytes of a picture file. */
const MAX_FILE = 16_777_216;
/** Pixels of a side: a small file may claim to unfold to gigabytes. */
const MAX_SIDE = 4_096;
const PNG_HEAD = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Offset of the width in a PNG; the height follows (RFC 2083 section 4.1.1). */
const WIDTH_OFFSET = 16;

/** The text of the QR code in a PNG. Throws ClientError `file-unusable` or `qr-unreadable`. */
export async function readQrImage(file: string): Promise<string> {
  const bytes = await readPicture(file);
  const { PNG } = await import('pngjs');
  const { decodeQR } = await import('qr/decode.js');
  try {
    const { width, height, data } = PNG.sync.read(bytes);
    return decodeQR({ width, height, data });
  } catch (cause) {
    throw new ClientError('qr-unreadable', file, { cause });
  }
}

/** The file, when it is a PNG of a size that can be held. */
async function readPicture(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new ClientError('file-unusable', `${file} cannot be read`, { cause });
  }
  const isPng = bytes.length > WIDTH_OFFSET + 8 && bytes.subarray(0, 8).equals(PNG_HEAD);
  if (!isPng) throw new ClientError('qr-unreadable', `${file} is no PNG`);
  const sides = [bytes.readUInt32BE(WIDTH_OFFSET), bytes.readUInt32BE(WIDTH_OFFSET + 4)];
  if (bytes.length > MAX_FILE || sides.some((side) => side > MAX_SIDE)) {
    throw new ClientError('qr-unreadable', `${file} is larger than ${MAX_SIDE} pixels a side`);
  }
  return bytes;
}
