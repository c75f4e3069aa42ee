/** Whether Enter sends a line, as the user has it in this browser. */
const CHOICE_NAME = 'tanglemail.enter-sends';

export function enterSends(): boolean {
  return localStorage.getItem(CHOICE_NAME) !== 'no';
}

export function chooseEnterSends(isSo: boolean): void {
  localStorage.setItem(CHOICE_NAME, isSo ? 'yes' : 'no');
}
