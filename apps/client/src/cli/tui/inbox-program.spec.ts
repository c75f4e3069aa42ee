/** The interactive inbox on a screen of letters, over mails in memory. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { MessageDto, MessageSummaryDto, OutboxItemDto } from '../../api/dto.ts';
import { ClientError } from '../../client-error.ts';
import type { DraftText } from './draft-text.ts';
import { InboxProgram, type Screen } from './inbox-program.ts';
import type { MailPort } from './mail-port.ts';
import type { Line } from './render.ts';

const ROWS = 12;
const COLUMNS = 72;

/** Keys go in one by one; the editor is a function. */
class PaperScreen implements Screen {
  rows = ROWS;
  columns = COLUMNS;
  lines: readonly Line[] = [];
  isClosed = false;
  editor: (text: string) => string = (text) => text;
  readonly edited: string[] = [];
  #key: (key: string) => void = () => {};
  #resize: () => void = () => {};

  show(lines: readonly Line[]): void {
    this.lines = lines;
  }

  onKey(listener: (key: string) => void): void {
    this.#key = listener;
  }

  onResize(listener: () => void): void {
    this.#resize = listener;
  }

  async edit(text: string): Promise<string> {
    this.edited.push(text);
    return this.editor(text);
  }

  close(): void {
    this.isClosed = true;
  }

  /** Presses keys and waits until nothing more happens. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#key(key);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  }

  async type(text: string): Promise<void> {
    await this.press(...Array.from(text).map((one) => (one === ' ' ? 'space' : one)), 'enter');
  }

  async resize(rows: number, columns: number): Promise<void> {
    Object.assign(this, { rows, columns });
    this.#resize();
    await this.press();
  }

  get text(): string {
    return this.lines.map((line) => line.text.trimEnd()).join('\n');
  }

  /** The lines that stand out, without title and foot. */
  get bar(): string | undefined {
    return this.lines.slice(1, -2).find((line) => line.isBar)?.text;
  }

  get lastLine(): string {
    return this.lines.at(-1)?.text ?? '';
  }
}

function mail(number: number, more: Partial<MessageDto> = {}): MessageDto {
  return {
    id: `INBOX.${number}`,
    uid: number,
    folder: 'INBOX',
    from: { address: `tmt1sender${number}`, name: `Sender ${number}`, verified: true },
    to: 'tmt1me@tangle.alt',
    subject: `Subject ${number}`,
    dateMs: 1_800_000_000_000 + number,
    sizeBytes: 100,
    flags: [],
    hasAttachments: false,
    messageId: `<${number}@tangle.alt>`,
    text: `Text of ${number}.`,
    attachments: [],
    headers: [],
    verified: { senderAddress: `tmt1sender${number}`, how: 'seal' },
    ...more,
  };
}

/** A mailbox in memory that remembers what was asked of it. */
class PaperMail implements MailPort {
  mails: MessageDto[] = [];
  items: OutboxItemDto[] = [];
  readonly sent: { draft: DraftText; how: string; id: string | undefined }[] = [];
  readonly saved: string[] = [];
  failure: Error | undefined;
  #listener: () => void = () => {};

  async folders() {
    const unread = this.mails.filter((one) => !one.flags.includes('\\Seen')).length;
    const facts = { isStandard: true, uidValidity: 1, uidNext: 9 };
    return [
      { id: 'INBOX', name: 'INBOX', total: this.mails.length, unread, ...facts },
      { id: 'Archive', name: 'Archive', total: 0, unread: 0, ...facts },
      { id: 'Trash', name: 'Trash', total: 1, unread: 0, ...facts },
    ];
  }

  async list(folder: string, limit: number, before?: string): Promise<MessageSummaryDto[]> {
    const all = this.mails.filter((one) => one.folder === folder);
    const from = before === undefined ? 0 : all.findIndex((one) => one.id === before) + 1;
    return all.slice(from, from + Math.min(limit, 20));
  }

  async search(folder: string, query: string): Promise<MessageSummaryDto[]> {
    return this.mails.filter((one) => one.folder === folder && one.subject.includes(query));
  }

  async read(id: string): Promise<MessageDto> {
    if (this.failure !== undefined) throw this.failure;
    const found = this.mails.find((one) => one.id === id);
    if (found === undefined) throw new ClientError('message-unknown', id);
    return found;
  }

  async flag(id: string, flag: string, add: boolean): Promise<MessageSummaryDto> {
    const { flags, ...rest } = await this.read(id);
    const others = flags.filter((one) => one !== flag);
    const changed = { ...rest, flags: add ? [...others, flag] : others };
    this.mails = this.mails.map((one) => (one.id === id ? changed : one));
    return changed;
  }

  async remove(id: string): Promise<string> {
    const { folder } = await this.read(id);
    this.mails = this.mails.filter((one) => one.id !== id);
    return folder === 'Trash' ? 'deleted for good' : 'moved to Trash';
  }

  async move(id: string, folder: string): Promise<void> {
    this.mails = this.mails.map((one) => (one.id === id ? { ...one, folder } : one));
  }

  async save(id: string, index: number, path: string): Promise<string> {
    this.saved.push(`${id} ${index} ${path}`);
    return path;
  }

  async outbox(): Promise<OutboxItemDto[]> {
    return this.items;
  }

  async recall(id: string): Promise<void> {
    this.items = this.items.filter((one) => one.id !== id);
  }

  async sync(): Promise<string> {
    return '2 messages fetched';
  }

  async prepare(how: string, id: string): Promise<DraftText> {
    const { from, subject, text } = await this.read(id);
    const quoted = `> ${text}\n`;
    const to = how === 'forward' ? [] : [from.address];
    return { to, cc: [], bcc: [], subject: `Re: ${subject}`, attach: [], text: quoted };
  }

  async send(draft: DraftText, how: string, id: string | undefined): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.sent.push({ draft, how, id });
  }

  onChange(listener: () => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = () => {};
    };
  }

  arrive(one: MessageDto): void {
    this.mails = [one, ...this.mails];
    this.#listener();
  }
}

let screen: PaperScreen;
let box: PaperMail;
let ended: Promise<void>;

beforeEach(async () => {
  screen = new PaperScreen();
  box = new PaperMail();
  box.mails = [3, 2, 1].map((number) => mail(number));
  ended = new InboxProgram(box, screen).run();
  await screen.press();
});

describe('the list', () => {
  it('fills the screen, newest first, with the bar on the first', () => {
    expect(screen.lines).toHaveLength(ROWS);
    expect(screen.bar).toContain('Subject 3');
    expect(screen.text).toContain('3 shown, 3 unread');
    for (const { text } of screen.lines) expect(text.length).toBeLessThanOrEqual(COLUMNS);
  });

  it('moves the bar, not beyond the ends', async () => {
    await screen.press('j', 'down', 'j', 'j');
    expect(screen.bar).toContain('Subject 1');
    await screen.press('k', 'up', 'k', 'k');
    expect(screen.bar).toContain('Subject 3');
    await screen.press('*');
    expect(screen.bar).toContain('Subject 1');
  });

  it('stars, marks as read and jumps to the next unread', async () => {
    await screen.press('F', 'N');
    expect(screen.bar).toMatch(/^ !/);
    expect(box.mails[0]?.flags).toEqual(['\\Flagged', '\\Seen']);
    await screen.press('j', 'N', 'k', 'tab');
    expect(screen.bar).toContain('Subject 1');
  });

  it('says so when it cannot be renewed, and goes on', async () => {
    const list = box.list.bind(box);
    box.list = async () => {
      throw new ClientError('daemon-unreachable', 'no answer');
    };
    box.arrive(mail(4));
    await screen.press();
    expect(screen.lastLine).toContain('no answer');
    box.list = list;
    box.arrive(mail(5));
    await screen.press('k', 'k');
    expect(screen.bar).toContain('Subject 5');
  });

  it('asks for older mails at its end, and shows them', async () => {
    box.mails = Array.from({ length: 30 }, (_, at) => mail(30 - at));
    await screen.press('$', 'end', 'end');
    expect(screen.text).toContain('30 shown');
    await screen.press('end');
    expect(screen.bar).toContain('Subject 1');
  });

  it('searches, and shows all again with Escape', async () => {
    await screen.press('/');
    await screen.type('ject 2');
    expect(screen.text).toContain('search: ject 2');
    expect(screen.text).not.toContain('Subject 3');
    await screen.press('/');
    await screen.type('no such thing');
    expect(screen.text).toContain('Nothing was found.');
    await screen.press('escape');
    expect(screen.text).toContain('Subject 3');
  });

  it('deletes to the Trash at once, and from there after a question', async () => {
    await screen.press('d');
    expect(screen.text).not.toContain('Subject 3');
    expect(screen.lastLine).toBe('moved to Trash');
    box.mails = [mail(9, { id: 'Trash.9', folder: 'Trash' })];
    await screen.press('c', 'end', 'j', 'j', 'enter');
    await screen.press('d');
    expect(screen.lastLine).toBe('Delete for good? (y/n) ');
    await screen.press('n');
    expect(box.mails).toHaveLength(1);
    await screen.press('d', 'y');
    expect(box.mails).toEqual([]);
    expect(screen.lastLine).toBe('deleted for good');
  });

  it('moves to a folder by name', async () => {
    await screen.press('s');
    await screen.type('Archive');
    expect(box.mails[0]?.folder).toBe('Archive');
    expect(screen.text).not.toContain('Subject 3');
  });

  it('opens another folder', async () => {
    await screen.press('c', 'j');
    expect(screen.bar).toContain('Archive  0/0');
    await screen.press('enter');
    expect(screen.text).toContain('Nothing is here.');
  });

  it('shows new mail at once and keeps the bar where it was', async () => {
    await screen.press('j');
    box.arrive(mail(4));
    await screen.press();
    expect(screen.text).toContain('Subject 4');
    expect(screen.bar).toContain('Subject 2');
  });

  it('fits another size of the screen', async () => {
    await screen.resize(6, 30);
    expect(screen.lines).toHaveLength(6);
    for (const { text } of screen.lines) expect(text.length).toBeLessThanOrEqual(30);
  });
});

describe('a message', () => {
  it('is shown with what proves its sender, and is read from then on', async () => {
    await screen.press('enter');
    expect(screen.text).toContain('From: Sender 3 tmt1sender3 (verified by its seal)');
    expect(screen.text).toContain('Text of 3.');
    expect(box.mails[0]?.flags).toEqual(['\\Seen']);
    await screen.press('q');
    expect(screen.bar).toContain('Subject 3');
  });

  it('scrolls, and goes on to its neighbours', async () => {
    const text = Array.from({ length: 40 }, (_, at) => `line ${at}`).join('\n');
    box.mails = [mail(3, { text }), mail(2)];
    await screen.press('$', 'enter', 'space');
    expect(screen.text).not.toContain('From:');
    expect(screen.text).toContain('line 5');
    await screen.press('J');
    expect(screen.text).toContain('Text of 2.');
    await screen.press('J');
    expect(screen.lastLine).toBe('the last message');
  });

  it('cannot move the cursor or turn the text around', async () => {
    box.mails = [mail(3, { subject: 'a\u001b[2Jb\u202ec', text: 'x\u001b]0;y\u0007z' })];
    await screen.press('$', 'enter');
    for (const { text } of screen.lines) expect(text).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  it('saves an attachment under the name that the user confirms', async () => {
    const attachment = { index: 0, filename: '../a.pdf', contentType: 'a/b', sizeBytes: 5 };
    box.mails = [mail(3, { hasAttachments: true, attachments: [attachment] })];
    await screen.press('enter', 'v', 'enter');
    expect(screen.lastLine).toBe('Save as: .._a.pdf');
    await screen.press('backspace', 'enter');
    expect(box.saved).toEqual(['INBOX.3 0 .._a.pd']);
  });

  it('that cannot be read says why, and the program goes on', async () => {
    box.failure = new ClientError('daemon-unreachable');
    await screen.press('enter');
    expect(screen.lastLine).toContain('the daemon does not answer');
    box.failure = undefined;
    await screen.press('enter');
    expect(screen.text).toContain('Text of 3.');
  });
});

describe('writing', () => {
  it('sends what the editor saved', async () => {
    screen.editor = (text) => text.replace('To: ', 'To: bob, carol').concat('Hello.\n');
    await screen.press('m');
    expect(screen.lastLine).toContain('to bob, carol?');
    await screen.press('y');
    expect(box.sent[0]?.draft).toMatchObject({ to: ['bob', 'carol'], text: 'Hello.\n' });
    expect(screen.lastLine).toBe('queued');
  });

  it('sends nothing when nothing was written', async () => {
    await screen.press('m');
    expect(screen.lastLine).toBe('nothing was written');
    await screen.press('y');
    expect(box.sent).toEqual([]);
  });

  it('answers with the quoted text', async () => {
    screen.editor = (text) => `${text}\nYes.\n`;
    await screen.press('r', 'y');
    expect(box.sent[0]).toMatchObject({ how: 'reply', id: 'INBOX.3' });
    expect(box.sent[0]?.draft.text).toContain('> Text of 3.');
  });

  it('keeps what was written when it cannot be sent, and sends it later', async () => {
    screen.editor = (text) => `${text}Long letter.`;
    await screen.press('m');
    box.failure = new ClientError('recipient-unknown', 'bob');
    await screen.press('y');
    expect(screen.lastLine).toContain('bob (y: send again');
    box.failure = undefined;
    await screen.press('y');
    expect(box.sent[0]?.draft.text).toBe('Long letter.');
  });

  it('opens the editor again on a head that it cannot read', async () => {
    screen.editor = () => 'Too: bob\n\nText.';
    await screen.press('m');
    expect(screen.lastLine).toContain('this is no line of the head');
    screen.editor = (text) => text.replace('Too', 'To');
    await screen.press('e');
    expect(screen.edited.at(-1)).toBe('Too: bob\n\nText.');
    await screen.press('y');
    expect(box.sent[0]?.draft).toMatchObject({ to: ['bob'], text: 'Text.' });
  });

  it('discards with Escape', async () => {
    screen.editor = (text) => `${text}x`;
    await screen.press('m', 'escape');
    expect(screen.lastLine).toBe('discarded');
    await screen.press('y');
    expect(box.sent).toEqual([]);
  });
});

describe('the end', () => {
  it('gives the screen back, by q and by Ctrl-C, even while a question stands', async () => {
    await screen.press('q');
    await ended;
    expect(screen.isClosed).toBe(true);
    const other = new PaperScreen();
    const second = new InboxProgram(box, other).run();
    await other.press('/', 'ctrl-c');
    await second;
    expect(other.isClosed).toBe(true);
  });

  it('shows help that names every key', async () => {
    await screen.resize(40, 80);
    await screen.press('?');
    for (const key of ['reply', 'search', 'attachments', 'recall']) {
      expect(screen.text).toContain(key);
    }
    await screen.press('q');
    expect(screen.bar).toContain('Subject 3');
  });
});
