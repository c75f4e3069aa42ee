/** Whether single keys are shortcuts: yes, unless the user has switched them off (WCAG 2.1.4). */
const CHOICE_NAME = 'tanglemail.single-keys';

export function areSingleKeysOn(): boolean {
  return localStorage.getItem(CHOICE_NAME) !== 'off';
}

export function chooseSingleKeys(areOn: boolean): void {
  localStorage.setItem(CHOICE_NAME, areOn ? 'on' : 'off');
}
