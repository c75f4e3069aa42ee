/** Gives a text to the browser as a file to save. */
export function saveText(text: string, mediaType: string, filename: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: mediaType }));
  const link = document.createElement('a');
  link.href = url;
  link.download = filename;
  link.click();
  // The browser has begun to read it by then; later than at once, because Firefox needs a turn.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
