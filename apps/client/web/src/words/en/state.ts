/** What state says, in English. */
export const state = {
  loading: 'Loading',
  retry: 'Try again',
  failed: 'This could not be loaded',
  copied: 'Copied.',
  notCopied: 'The browser does not allow copying. Select the text and copy it.',
  kept: 'What was here before stays on the screen.',
};
