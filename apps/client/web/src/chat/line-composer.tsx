/** Where a line is written. What is begun stays; what could not be sent comes back. */
import { Send } from 'lucide-react';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { Checkbox, Label, TextArea, TextField } from 'react-aria-components';
import type { SentChatDto } from '../../../src/api/chat-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { IconButton } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { useSpeech } from '../words/use-words.ts';
import { chooseEnterSends, enterSends } from './enter-setting.ts';
import { useLineDraft, useLineDrafts } from './line-drafts.tsx';
import { isSending, type LineSize, MAX_LINE_BYTES, sizeOf } from './line-writing.ts';

const MAX_ROWS = 8;

export interface LineComposerProps {
  /** Whom the API is told: an id, or an address. */
  readonly to: string;
  readonly name: string;
  readonly onSent: (sent: SentChatDto) => void;
}

export function LineComposer({ to, name, onSent }: LineComposerProps) {
  const { words } = useSpeech();
  const text = useLineDraft(to);
  const drafts = useLineDrafts();
  const [isByEnter, setByEnter] = useState(enterSends);
  const { send, problem } = useSendingLines(to, onSent);
  const hintId = useId();
  const size = sizeOf(text);
  const canSend = !size.isEmpty && !size.isTooLong;

  function submit(): void {
    if (!canSend) return;
    drafts.set(to, '');
    send(text);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const { isComposing } = event.nativeEvent;
    const { key, shiftKey, ctrlKey, metaKey } = event;
    if (!isSending({ key, shiftKey, ctrlKey, metaKey, isComposing }, isByEnter)) return;
    event.preventDefault();
    submit();
  }

  function setEnter(isSo: boolean): void {
    chooseEnterSends(isSo);
    setByEnter(isSo);
  }

  return (
    <div className="line-composer">
      <Problems size={size} problem={problem} />
      <div className="line-composer-row">
        <TextField className="field" value={text} onChange={(next) => drafts.set(to, next)}>
          <Label className="sr-only">{fill(words.chat.write, { name })}</Label>
          <TextArea
            rows={Math.min(MAX_ROWS, text.split('\n').length)}
            placeholder={fill(words.chat.write, { name })}
            aria-describedby={hintId}
            onKeyDown={onKeyDown}
          />
        </TextField>
        <IconButton
          icon={Send}
          label={words.chat.send}
          isOn
          isDisabled={!canSend}
          onPress={submit}
        />
      </div>
      <div className="line-composer-foot">
        <Checkbox className="check" isSelected={isByEnter} onChange={setEnter}>
          <span className="check-box" aria-hidden />
          {words.chat.enterSends}
        </Checkbox>
        <span id={hintId}>{isByEnter ? words.chat.enterHint : words.chat.controlHint}</span>
      </div>
    </div>
  );
}

interface ProblemsProps {
  readonly size: LineSize;
  readonly problem: string | undefined;
}

/** Why the line cannot be sent, or was not. */
function Problems({ size, problem }: ProblemsProps) {
  const { language, words } = useSpeech();
  const number = new Intl.NumberFormat(language);
  const sizes = { bytes: number.format(size.bytes), limit: number.format(MAX_LINE_BYTES) };
  return (
    <>
      {size.isTooLong && (
        <p className="form-problem" role="alert">
          {fill(words.chat.tooLong, sizes)}
        </p>
      )}
      {problem !== undefined && (
        <p className="form-problem" role="alert">
          {fill(words.chat.notSent, { reason: problem })}
        </p>
      )}
    </>
  );
}

/** Lines go one after the other, in the order in which they were written. */
function useSendingLines(to: string, onSent: (sent: SentChatDto) => void) {
  const { api } = useData();
  const drafts = useLineDrafts();
  const last = useRef<Promise<void>>(Promise.resolve());
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);

  async function post(text: string): Promise<void> {
    try {
      const json = { to, text };
      const sent = await api.send<SentChatDto>('chat/messages', { method: 'POST', json });
      // Whoever has gone on to another conversation is not brought back.
      if (isHere.current) onSent(sent);
      setProblem(undefined);
    } catch (error) {
      drafts.putBack(to, text);
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  function send(text: string): void {
    last.current = last.current.then(() => post(text));
  }
  return { send, problem };
}
