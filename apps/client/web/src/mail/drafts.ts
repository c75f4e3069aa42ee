/** A mail of folder Drafts, opened where it is written on. */
import type { DraftDto } from '../../../src/api/mailbox-dto.ts';
import type { Composer } from '../compose/composer.tsx';
import type { Api } from '../daemon/api.ts';

/** False when it is no draft of this program: then it is a mail to be read. Rejects ApiProblem. */
export async function openDraftOf(api: Api, composer: Composer, mailId: string): Promise<boolean> {
  const drafts = await api.get<readonly DraftDto[]>('mailbox/drafts');
  const draft = drafts.find(({ messageId }) => messageId === mailId);
  if (draft !== undefined) composer.openDraft(draft.id);
  return draft !== undefined;
}
