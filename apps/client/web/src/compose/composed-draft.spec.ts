import { describe, expect, it, jest } from '@jest/globals';
import type { ApiCall } from '../daemon/api.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { ComposedDraft, type DraftDeps } from './composed-draft.ts';
import { NOTHING } from './start.ts';

/** What the daemon answers here: the calls are written down. */
function openApi(fail: () => boolean = () => false) {
  const calls: string[] = [];
  const api: DraftDeps['api'] = {
    get: async <T>() => ({ ...NOTHING, subject: 'old', attachments: [], updatedAtMs: 5 }) as T,
    send: async <T>(path: string, { method, json }: ApiCall) => {
      const { subject } = (json ?? {}) as { subject?: string };
      calls.push(`${method} ${path.replace(/[0-9a-f]{32}/, 'ID')} ${subject ?? ''}`.trim());
      if (fail()) throw new ApiProblem('unreachable', 0, 'no answer');
      return { attachments: [], recipients: [] } as T;
    },
  };
  return { api, calls };
}

const START = { kind: 'new', writing: NOTHING } as const;

describe('a composed draft', () => {
  it('is saved once after a pause, with the last words', async () => {
    jest.useFakeTimers();
    try {
      const { api, calls } = openApi();
      const draft = new ComposedDraft(START, { api, nowMs: () => 7 });
      draft.change({ subject: 'a' });
      draft.change({ subject: 'ab' });
      await jest.advanceTimersByTimeAsync(1_499);
      expect(calls).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      expect(calls).toEqual(['POST mailbox/drafts ab']);
      expect(draft.state().savedAtMs).toBe(7);
    } finally {
      jest.useRealTimers();
    }
  });

  it('is saved before it is sent, and not after', async () => {
    const { api, calls } = openApi();
    const draft = new ComposedDraft(START, { api, nowMs: () => 7 });
    draft.change({ subject: 'a' });
    await draft.send({});
    await draft.flush();
    expect(calls).toEqual(['POST mailbox/drafts a', 'POST mailbox/drafts/ID/send']);
  });

  it('shows why it could not be saved, and is saved by the next try', async () => {
    let isDown = true;
    const { api, calls } = openApi(() => isDown);
    const draft = new ComposedDraft(START, { api, nowMs: () => 7 });
    draft.change({ subject: 'a' });
    await draft.flush();
    expect(draft.state().problem?.code).toBe('unreachable');
    isDown = false;
    await draft.flush();
    expect(calls).toHaveLength(2);
    expect(draft.state().problem).toBeUndefined();
  });

  it('is taken away only if it was there', async () => {
    const { api, calls } = openApi();
    const draft = new ComposedDraft(START, { api, nowMs: () => 7 });
    await draft.discard();
    expect(calls).toEqual([]);
    const old = new ComposedDraft(
      { kind: 'draft', draftId: 'a'.repeat(32) },
      { api, nowMs: () => 7 },
    );
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(old.state().writing.subject).toBe('old');
    await old.discard();
    expect(calls).toEqual(['DELETE mailbox/drafts/ID']);
  });
});
