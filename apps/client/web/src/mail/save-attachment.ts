/** Gives an attachment to the browser as a file to save. */
import type { Api } from '../daemon/api.ts';
import { saveFile } from '../ui/save-file.ts';

export async function saveAttachment(
  api: Api,
  mailId: string,
  index: number,
  filename: string,
): Promise<void> {
  const content = await api.blob(`messages/${encodeURIComponent(mailId)}/attachments/${index}`);
  saveFile(content, filename === '' ? 'attachment' : filename);
}
