/** What reading says, in English. */
export const reading = {
  asHtml: 'Show as written (HTML)',
  asText: 'Show as text',
  frame: 'Message as written, HTML',
  expand: 'Expand',
  shrink: 'Shrink',
  onWhite: 'Show on white',
  onDark: 'Show on dark',
  blocked: {
    one: '{n} remote image is blocked. Loading it would tell the sender that you opened this.',
    other:
      '{n} remote images are blocked. Loading them would tell the sender that you opened this.',
  },
  cut: 'The message is very long. Its end is not shown.',
  goesTo: 'Goes to {host}',
  fold: 'Fold this message',
  unfold: 'Open the message of {name}, {time}',
  conversation: {
    one: '{n} message',
    other: '{n} messages',
  },
};
