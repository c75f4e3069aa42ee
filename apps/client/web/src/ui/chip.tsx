/** A short fact with its icon: a state is never colour alone. */
import type { LucideIcon } from 'lucide-react';
import './chip.css';

export type Tone = 'plain' | 'ok' | 'warn' | 'err' | 'info';

export interface ChipProps {
  readonly icon: LucideIcon;
  readonly tone?: Tone;
  readonly children: string;
}

export function Chip({ icon: Icon, tone = 'plain', children }: ChipProps) {
  return (
    <span className={`chip chip-${tone}`}>
      <Icon aria-hidden size={13} />
      {children}
    </span>
  );
}
