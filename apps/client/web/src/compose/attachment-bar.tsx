/** Files of a draft: added by choosing or dropping, taken away one by one. */
import { Paperclip, X } from 'lucide-react';
import { useRef } from 'react';
import type { DraftDto } from '../../../src/api/mailbox-dto.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { sizeText } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import type { ComposedDraft } from './composed-draft.ts';

export interface AttachmentBarProps {
  readonly draft: ComposedDraft;
  readonly attachments: DraftDto['attachments'];
}

export function AttachmentBar({ draft, attachments }: AttachmentBarProps) {
  const { language, words } = useSpeech();
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <div className="attachment-bar">
      <ul>
        {attachments.map(({ index, filename, sizeBytes }) => (
          <li key={index}>
            <span className="cut">{filename}</span>
            <small className="figures">{sizeText(language, sizeBytes)}</small>
            <IconButton
              icon={X}
              label={fill(words.compose.remove, { name: filename })}
              onPress={() => void draft.detach(index)}
            />
          </li>
        ))}
      </ul>
      <input
        ref={chooser}
        className="sr-only"
        type="file"
        multiple
        tabIndex={-1}
        aria-label={words.compose.attach}
        onChange={({ currentTarget }) => {
          void draft.attach([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
      <Button icon={Paperclip} onPress={() => chooser.current?.click()}>
        {words.compose.attach}
      </Button>
    </div>
  );
}
