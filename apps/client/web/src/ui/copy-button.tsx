/** Puts a text into the clipboard, and says so once. */
import { Copy } from 'lucide-react';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { Button, IconButton } from './button.tsx';
import { useToast } from './toasts.tsx';

export interface CopyButtonProps {
  readonly text: string;
  /** What the text is, such as "Address". */
  readonly name: string;
}

/** An icon, beside the text that it copies. */
export function CopyButton({ text, name }: CopyButtonProps) {
  const { forms } = useWords();
  const copy = useCopying(text, {
    done: fill(forms.copied, { name }),
    refused: fill(forms.notCopied, { name }),
  });
  return <IconButton icon={Copy} label={fill(forms.copy, { name })} onPress={copy} />;
}

export interface WideCopyButtonProps {
  readonly text: string;
  /** What it copies, in words. */
  readonly label: string;
}

/** A button with words, where the text itself is not shown. */
export function WideCopyButton({ text, label }: WideCopyButtonProps) {
  const { state } = useWords();
  const copy = useCopying(text, { done: state.copied, refused: state.notCopied });
  return (
    <Button icon={Copy} onPress={copy}>
      {label}
    </Button>
  );
}

function useCopying(text: string, said: { done: string; refused: string }): () => void {
  const toast = useToast();
  return () => {
    navigator.clipboard.writeText(text).then(
      () => toast({ text: said.done, shownMs: 3_000 }),
      () => toast({ text: said.refused }),
    );
  };
}
