/** Gives an attachment to the browser as a file to save. */
import type { Api } from '../daemon/api.ts';

export async function saveAttachment(
  api: Api,
  mailId: string,
  index: number,
  filename: string,
): Promise<void> {
  const content = await api.blob(`messages/${encodeURIComponent(mailId)}/attachments/${index}`);
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = filename === '' ? 'attachment' : filename;
  link.click();
  // The browser has begun to read it by then; later than at once, because Firefox needs a turn.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
