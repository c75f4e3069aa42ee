import { describe, expect, it } from '@jest/globals';
import type { ElsewhereDto, IncomingDto } from '../api/parcels-dto.ts';
import { belongsTo, linesOf, waitingText } from './on-its-way.ts';

function coming(id: string, more: Partial<IncomingDto> = {}): IncomingDto {
  return {
    id,
    from: { address: 'tmt1alice', name: 'Alice' },
    preview: { from: '', subject: 'A large\u001b[2Jfile', text: '', dateMs: null },
    sizeBytes: 7_000_000,
    receivedAtMs: 1,
    state: 'waiting',
    percent: 0,
    bytesDone: 0,
    bytesTotal: 1,
    isCopy: false,
    ...more,
  };
}

const DRAFT: ElsewhereDto = {
  folder: 'Drafts',
  to: '',
  subject: 'Plan',
  sizeBytes: 20_000,
  dateMs: 1,
  device: { id: '0a'.repeat(16), name: 'laptop' },
};
const NONE = { incoming: [], elsewhere: [] };

describe('what is on its way', () => {
  it('stands under the folder that it will lie in, and says what to do', () => {
    const all = {
      incoming: [coming('3'), coming('4', { isCopy: true, state: 'fetching', percent: 40 })],
      elsewhere: [DRAFT],
    };
    const inbox = linesOf(belongsTo('inbox', all));
    expect(inbox).toHaveLength(1);
    expect(inbox[0]).toMatch(/^waits: 6\.7 MiB from Alice, “.*”; tanglemail fetch 3$/);
    expect(inbox[0]).not.toContain('\u001b');
    expect(linesOf(belongsTo('Sent', all))).toEqual([
      expect.stringMatching(/^coming: 6\.7 MiB sent by another device, .*, 40 %$/),
    ]);
    expect(linesOf(belongsTo('Drafts', all))).toEqual(['only on laptop: 19.5 KiB, “Plan”']);
    expect(linesOf(belongsTo('Archive', all))).toEqual([]);
  });

  it('is counted where there is no room, and bounded where there is', () => {
    const incoming = Array.from({ length: 9 }, (_, at) => coming(`${at}`));
    expect(linesOf({ ...NONE, incoming })).toHaveLength(6);
    expect(linesOf({ ...NONE, incoming }).at(-1)).toMatch(/^and 4 more/);
    expect(waitingText({ ...NONE, incoming })).toMatch(/^9 large mails on the way; waits: /);
    expect(waitingText({ ...NONE, incoming: [coming('1', { isCopy: true })] })).toBeUndefined();
  });

  it('says what keeps a mail from coming', () => {
    const [line] = linesOf({ ...NONE, incoming: [coming('3', { state: 'blocked', error: 'x' })] });
    expect(line).toMatch(/^blocked: .*, x; tanglemail fetch 3$/);
  });
});
