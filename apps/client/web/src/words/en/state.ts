/** What state says, in English. */
export const state = {
  loading: 'Loading',
  retry: 'Try again',
  failed: 'This could not be loaded',
  kept: 'What was here before stays on the screen.',
};
