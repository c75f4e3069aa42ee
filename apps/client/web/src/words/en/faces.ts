/** What faces says, in English. */
export const faces = {
  mail: 'Mail',
  chat: 'Chat',
  contacts: 'Contacts',
  wallet: 'Wallet',
  node: 'Node',
  settings: 'Settings',
};
