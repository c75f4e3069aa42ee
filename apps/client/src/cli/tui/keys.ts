/** Names of keys, from what Node's keypress events tell. */

/** The parts of Node's key that matter. */
export interface PressedKey {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
}

const NAMED: Readonly<Record<string, string>> = {
  return: 'enter',
  enter: 'enter',
  space: 'space',
  tab: 'tab',
  escape: 'escape',
  backspace: 'backspace',
  delete: 'd',
  up: 'up',
  down: 'down',
  pageup: 'pageup',
  pagedown: 'pagedown',
  home: 'home',
  end: 'end',
};

/** `enter`, `up`, `ctrl-c`, or the character itself; undefined for keys without a meaning. */
export function keyName(key: PressedKey): string | undefined {
  const { name, sequence } = key;
  if (key.ctrl === true) return name === 'c' || name === 'd' ? 'ctrl-c' : undefined;
  const known = name === undefined ? undefined : NAMED[name];
  if (known !== undefined) return known;
  if (sequence === undefined || key.meta === true) return undefined;
  const isPrintable = Array.from(sequence).length === 1 && !/[\p{Cc}]/u.test(sequence);
  return isPrintable ? sequence : undefined;
}
