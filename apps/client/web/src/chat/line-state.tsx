/** How far an own line has come: an icon, and words where there is room for them. */
import {
  Check,
  CheckCheck,
  Clock,
  HardDrive,
  type LucideIcon,
  TriangleAlert,
  Undo2,
  Waypoints,
} from 'lucide-react';
import { useWords } from '../words/use-words.ts';
import type { DeliveryState } from './delivery.ts';
import { deliveryText } from './line-texts.ts';
import type { Line } from './loaded-lines.ts';

export const STATE_ICONS: Readonly<Record<DeliveryState, LucideIcon>> = {
  scheduled: Clock,
  queued: Clock,
  attached: Waypoints,
  confirmed: Check,
  stored: HardDrive,
  fetched: CheckCheck,
  read: CheckCheck,
  failed: TriangleAlert,
  expired: TriangleAlert,
  recalled: Undo2,
};

export function LineState({ line, isShort }: { readonly line: Line; readonly isShort: boolean }) {
  const { chat } = useWords();
  const found = deliveryText(chat, line);
  if (found === undefined) return undefined;
  const { text, delivery } = found;
  const { state, lost, isLost } = delivery;
  const Icon = STATE_ICONS[state];
  const tone = isLost ? 'line-state-err' : lost.length > 0 ? 'line-state-warn' : '';
  const isWordless = isShort && lost.length === 0;
  return (
    <span className={`line-state line-state-${state} ${tone}`}>
      <Icon aria-hidden size={13} />
      <span className={isWordless ? 'sr-only' : undefined}>{text}</span>
    </span>
  );
}
