/** How far an own mail has come, as an icon with its word. */
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
import type { DeliveryDto } from '../../../src/api/delivery-dto.ts';
import { Chip } from '../ui/chip.tsx';
import { useWords } from '../words/use-words.ts';
import { type DeliveryState, deliveryText, deliveryTone } from './state-text.ts';

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

export function StateChip({ delivery }: { readonly delivery: DeliveryDto }) {
  const words = useWords().delivery;
  return (
    <Chip icon={STATE_ICONS[delivery.furthest.state]} tone={deliveryTone(delivery)}>
      {deliveryText(words, delivery)}
    </Chip>
  );
}
