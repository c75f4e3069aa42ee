/** Puts a text into the clipboard, and says so once. */
import { Copy } from 'lucide-react';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { IconButton } from './button.tsx';
import { useToast } from './toasts.tsx';

export interface CopyButtonProps {
  readonly text: string;
  /** What the text is, such as "Address". */
  readonly name: string;
}

export function CopyButton({ text, name }: CopyButtonProps) {
  const { forms } = useWords();
  const toast = useToast();
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      toast({ text: fill(forms.copied, { name }), shownMs: 3_000 });
    } catch {
      toast({ text: fill(forms.notCopied, { name }) });
    }
  }
  return <IconButton icon={Copy} label={fill(forms.copy, { name })} onPress={() => void copy()} />;
}
