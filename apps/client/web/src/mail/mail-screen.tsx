/** Mail: folders, the list of one, and the mail that is open. */
import { MailOpen } from 'lucide-react';
import type { ScreenProps } from '../frame/route.ts';
import { Empty } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { FolderList } from './folder-list.tsx';
import { MailList } from './mail-list.tsx';
import { Reader } from './reader.tsx';
import './mail.css';

export function MailScreen({ parts }: ScreenProps) {
  const { mail } = useWords();
  const [folder = 'INBOX', open] = parts;
  return (
    <div className={open === undefined ? 'mail' : 'mail mail-reading'}>
      <div className="mail-side">
        <FolderList present={folder} />
      </div>
      <MailList key={folder} folder={folder} open={open} />
      {open === undefined ? (
        <div className="reader reader-empty">
          <Empty icon={MailOpen}>{mail.chooseMessage}</Empty>
        </div>
      ) : (
        <Reader key={open} id={open} folder={folder} />
      )}
    </div>
  );
}
