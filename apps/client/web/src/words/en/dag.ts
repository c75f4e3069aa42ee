/** What the picture of the tangle and its charts say, in English. */
import type { Plurals } from '../plurals.ts';

const parents: Plurals = { one: '{n} parent', other: '{n} parents' };
const children: Plurals = { one: '{n} child', other: '{n} children' };
const ago: Plurals = { one: '{n} second ago', other: '{n} seconds ago' };
const received: Plurals = { one: '{n} block received', other: '{n} blocks received' };
const lastSeconds: Plurals = { one: '{n} second', other: '{n} seconds' };
const lastMinutes: Plurals = { one: '{n} minute', other: '{n} minutes' };

export const dag = {
  title: 'Tangle',
  picture: 'Picture of the tangle',
  help:
    'Arrow keys walk to parents (left), children (right) and their siblings (up, down). ' +
    'Space pauses, Escape lets go. The table of latest blocks says the same in words.',
  parents,
  children,
  ago,
  received,
  lastSeconds,
  lastMinutes,
  window: 'Time shown',
  pause: 'Pause',
  resume: 'Resume',
  follow: 'Follow the newest',
  search: 'Block id or milestone number',
  noMatch: 'Not in this picture: {text}',
  states: {
    tip: 'Tip',
    pending: 'Pending',
    confirmed: 'Confirmed',
    milestone: 'Milestone',
    conflict: 'Conflicting',
  },
  milestoneOf: 'Milestone {n}',
  legend: 'Legend',
  past: 'What it stands on',
  future: 'What stands on it',
  close: 'Let go',
  open: 'Open',
  chosen: '{state} {id}, {ago}, {parents}, {children}',
  blocks: 'Blocks',
  perSecond: 'Per second',
  tips: 'Tips',
  confirmed: 'Confirmed',
  conflicting: 'Conflicting',
  latest: 'Latest blocks',
  noBlocks: 'No blocks yet. They appear here as the node hears of them.',
  id: 'Id',
  state: 'State',
  age: 'Age',
  edges: 'Parents',
  asTable: 'Show as a table',
  asChart: 'Show as a chart',
  time: 'Time',
  summary: '{label}: now {now}, least {least}, most {most}',
  noFigures: 'No figures yet',
};
