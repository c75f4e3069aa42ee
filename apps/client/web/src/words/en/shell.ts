/** What shell says, in English. */
export const shell = {
  main: 'Main',
  skip: 'Skip to the content',
  offline: 'No connection to the daemon. Showing what is on this device.',
  notSynced: 'The node does not answer. Mail waits on this device until it does.',
  signedOut: 'This browser is not signed in',
  signedOutHint: 'Run this command on this machine and open the link that it prints:',
  failed: 'This part of the page has failed',
  reload: 'Load the page again',
};
