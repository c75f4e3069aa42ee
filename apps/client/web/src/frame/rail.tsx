/** The faces of the program, at the left side, or at the bottom of a narrow page. */
import {
  Activity,
  type LucideIcon,
  Mail,
  MessagesSquare,
  Settings,
  Users,
  Wallet,
} from 'lucide-react';
import type { Words } from '../words/en.ts';
import { useWords } from '../words/use-words.ts';
import { hrefOf } from './route.ts';
import './rail.css';

export type Face = keyof Words['faces'];

const ICONS: Readonly<Record<Face, LucideIcon>> = {
  mail: Mail,
  chat: MessagesSquare,
  contacts: Users,
  wallet: Wallet,
  node: Activity,
  settings: Settings,
};

export interface RailProps {
  readonly faces: readonly Face[];
  readonly present: Face;
}

export function Rail({ faces, present }: RailProps) {
  const words = useWords();
  return (
    <nav className="rail" aria-label={words.shell.main}>
      <ul>
        {faces.map((face) => {
          const Icon = ICONS[face];
          return (
            <li key={face}>
              <a
                href={hrefOf(face)}
                className="rail-link"
                aria-current={face === present ? 'page' : undefined}
              >
                <Icon aria-hidden size={20} />
                <span>{words.faces[face]}</span>
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
