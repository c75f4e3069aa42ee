/** Writing and the folders: beside the list, or in a drawer where the page is narrow. */
import { Pencil } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useComposer } from '../compose/composer.tsx';
import { useRoute } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { PageDialog } from '../ui/page-dialog.tsx';
import { useWords } from '../words/use-words.ts';
import { WalletCard } from '../wallet/wallet-card.tsx';
import { FolderList } from './folder-list.tsx';
import type { ListPlace } from './places.ts';

export function SidePane({ place }: { readonly place: ListPlace }) {
  const { mail } = useWords();
  const { write } = useComposer();
  return (
    <>
      <Button kind="main" icon={Pencil} onPress={() => write()}>
        {mail.newMessage}
      </Button>
      <FolderList place={place} />
      <WalletCard />
    </>
  );
}

export interface SideDrawerProps {
  readonly place: ListPlace;
  readonly onClose: () => void;
}

/** Goes when a folder is chosen. */
export function SideDrawer({ place, onClose }: SideDrawerProps) {
  const { mail } = useWords();
  const route = useRoute().join('/');
  const first = useRef(route);
  useEffect(() => {
    if (route !== first.current) onClose();
  }, [route, onClose]);
  return (
    <PageDialog title={mail.folders} shape="drawer" onClose={onClose}>
      <div className="mail-drawer">
        <SidePane place={place} />
      </div>
    </PageDialog>
  );
}
