/** The text of a field: what is saved, until the user types something else. */
import { useState } from 'react';

export function useTyped(saved: string): readonly [string, (text: string) => void] {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  return [typed ?? saved, setTyped];
}
