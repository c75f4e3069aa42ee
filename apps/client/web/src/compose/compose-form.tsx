/** The fields of a composer, what is attached, what it costs, and how it goes. */
import { Send, Trash2 } from 'lucide-react';
import { type KeyboardEvent, useState, useSyncExternalStore } from 'react';
import { Input, Label, TextArea, TextField } from 'react-aria-components';
import type { QueuedMessageDto, SendChoicesDto } from '../../../src/api/dto.ts';
import type { RecallDto } from '../../../src/api/outbox-dto.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { useData } from '../daemon/use-data.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { shortTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { AttachmentBar } from './attachment-bar.tsx';
import type { ComposedDraft } from './composed-draft.ts';
import { useComposer } from './composer.tsx';
import { CostLine } from './cost-line.tsx';
import { RecipientField } from './recipient-field.tsx';
import type { Writing } from './start.ts';

const UNDO_SECONDS = 10;

export interface ComposeFormProps {
  readonly draft: ComposedDraft;
  readonly onClose: () => void;
}

export function ComposeForm({ draft, onClose }: ComposeFormProps) {
  const { language, words } = useSpeech();
  const state = useSyncExternalStore(draft.watch, draft.state);
  const { writing, attachments, savedAtMs, problem } = state;
  const { send, refusal, isSending } = useSending(draft, onClose);
  const everybody = [...writing.to, ...writing.cc, ...writing.bcc];
  const sizeBytes = attachments.reduce((sum, one) => sum + one.sizeBytes, writing.text.length);
  const discard = useDiscarding(draft, onClose);
  // Whoever answers knows to whom, and begins to write.
  const [isAnswer] = useState(writing.to.length > 0);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!isSending && everybody.length > 0) void send({});
  }

  return (
    <div
      className="compose-form"
      role="group"
      aria-label={words.compose.title}
      onKeyDown={onKeyDown}
    >
      <Recipients draft={draft} writing={writing} />
      <TextField
        className="field"
        value={writing.subject}
        maxLength={998}
        onChange={(subject) => draft.change({ subject })}
      >
        <Label>{words.compose.subject}</Label>
        <Input />
      </TextField>
      <TextField
        className="field compose-text"
        value={writing.text}
        onChange={(text) => draft.change({ text })}
      >
        <Label>{words.compose.text}</Label>
        <TextArea rows={12} autoFocus={isAnswer} />
      </TextField>
      <AttachmentBar draft={draft} attachments={attachments} />
      <CostLine to={everybody} sizeBytes={sizeBytes} />
      {problem !== undefined && (
        <p className="form-problem" role="alert">
          {fill(words.compose.notSaved, { reason: problem.message })}
        </p>
      )}
      {refusal !== undefined && (
        <p className="form-problem" role="alert">
          {refusal.code === 'key-changed' ? words.compose.keyChanged : refusal.message}
        </p>
      )}
      <footer className="compose-foot">
        <SendButtons
          send={send}
          isDisabled={isSending || everybody.length === 0}
          isKeyChanged={refusal?.code === 'key-changed'}
        />
        <span className="compose-saved figures">
          {savedAtMs !== undefined &&
            fill(words.compose.saved, { time: shortTime(language, savedAtMs, savedAtMs) })}
        </span>
        <IconButton icon={Trash2} label={words.compose.discard} onPress={discard} />
      </footer>
    </div>
  );
}

/** Whom it goes to; fields for copies only when they are asked for. */
function Recipients({ draft, writing }: Pick<ComposeFormProps, 'draft'> & { writing: Writing }) {
  const { compose } = useWords();
  const [isCopying, setCopying] = useState(false);
  const { to, cc, bcc } = writing;
  return (
    <>
      <RecipientField
        label={compose.to}
        value={to}
        onChange={(next) => draft.change({ to: next })}
        hasFocus={to.length === 0}
      />
      {isCopying || cc.length + bcc.length > 0 ? (
        <>
          <RecipientField
            label={compose.cc}
            value={cc}
            onChange={(next) => draft.change({ cc: next })}
          />
          <RecipientField
            label={compose.bcc}
            value={bcc}
            onChange={(next) => draft.change({ bcc: next })}
          />
        </>
      ) : (
        <Button onPress={() => setCopying(true)}>{compose.copies}</Button>
      )}
    </>
  );
}

interface SendButtonsProps {
  readonly send: (choices: SendChoicesDto) => Promise<void>;
  readonly isDisabled: boolean;
  readonly isKeyChanged: boolean;
}

/** The second one only for who has compared the new keys. */
function SendButtons({ send, isDisabled, isKeyChanged }: SendButtonsProps) {
  const { compose } = useWords();
  return (
    <>
      <Button kind="main" icon={Send} isDisabled={isDisabled} onPress={() => void send({})}>
        {compose.send}
      </Button>
      {isKeyChanged && (
        <Button kind="danger" onPress={() => void send({ acceptKeyChange: true })}>
          {compose.acceptKeys}
        </Button>
      )}
    </>
  );
}

/** Sends the draft; for some seconds it can be taken back, and then it is a draft again. */
function useSending(draft: ComposedDraft, onClose: () => void) {
  const { api } = useData();
  const toast = useToast();
  const { openDraft } = useComposer();
  const { words } = useSpeech();
  const [refusal, setRefusal] = useState<ApiProblem | undefined>(undefined);
  const [isSending, setSending] = useState(false);

  async function undo({ recipients }: QueuedMessageDto): Promise<void> {
    const [first] = recipients;
    if (first === undefined) return;
    try {
      const path = `outbox/${first.outboxId}?scope=message`;
      const { draftId } = await api.send<RecallDto>(path, { method: 'DELETE' });
      if (draftId === undefined) toast({ text: words.compose.partlyUndone });
      else openDraft(draftId);
    } catch (error) {
      toast({ text: error instanceof Error ? error.message : String(error) });
    }
  }

  async function send(choices: SendChoicesDto): Promise<void> {
    setSending(true);
    try {
      const queued = await draft.send({ undoSeconds: UNDO_SECONDS, ...choices });
      toast({
        text: words.compose.sent,
        action: { label: words.compose.undo, run: () => void undo(queued) },
        shownMs: UNDO_SECONDS * 1_000,
      });
      onClose();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      setRefusal(error instanceof ApiProblem ? error : new ApiProblem('internal', 0, text));
      setSending(false);
    }
  }
  return { send, refusal, isSending };
}

/** A discarded draft is gone for good. */
function useDiscarding(draft: ComposedDraft, onClose: () => void): () => void {
  const toast = useToast();
  const { words } = useSpeech();
  return () => {
    draft.discard().then(
      () => toast({ text: words.compose.discarded }),
      (error: unknown) => toast({ text: String(error) }),
    );
    onClose();
  };
}
