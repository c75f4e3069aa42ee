/** Mail: folders, the list of one, and the mail that is open. */
import { MailOpen, Pencil } from 'lucide-react';
import type { ScreenProps } from '../frame/route.ts';
import { useComposer } from '../compose/composer.tsx';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { FolderList } from './folder-list.tsx';
import { MailList } from './mail-list.tsx';
import { Reader } from './reader.tsx';
import './mail.css';
import './reading.css';

export function MailScreen({ parts }: ScreenProps) {
  const { faces, mail } = useWords();
  const { write } = useComposer();
  const [folder = 'INBOX', open] = parts;
  return (
    <div className={open === undefined ? 'mail' : 'mail mail-reading'}>
      <h1 className="sr-only">{faces.mail}</h1>
      <div className="mail-side">
        <Button kind="main" icon={Pencil} onPress={() => write()}>
          {mail.newMessage}
        </Button>
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
