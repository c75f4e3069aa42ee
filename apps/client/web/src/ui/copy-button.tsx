/** Puts a text on the clipboard and says so. */
import { Copy } from 'lucide-react';
import { useWords } from '../words/use-words.ts';
import { Button } from './button.tsx';
import { useToast } from './toasts.tsx';

export interface CopyButtonProps {
  readonly text: string;
  /** What it copies, in words. */
  readonly label: string;
}

export function CopyButton({ text, label }: CopyButtonProps) {
  const { state } = useWords();
  const toast = useToast();
  return (
    <Button
      icon={Copy}
      onPress={() => {
        navigator.clipboard.writeText(text).then(
          () => toast({ text: state.copied }),
          () => toast({ text: state.notCopied }),
        );
      }}
    >
      {label}
    </Button>
  );
}
