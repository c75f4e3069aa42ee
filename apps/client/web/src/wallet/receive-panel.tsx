/** The address that tokens are sent to, as text and as a code. */
import type { WalletDto } from '../../../src/api/dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { Panel } from '../ui/form.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { Skeleton } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';

export function ReceivePanel() {
  const { wallet } = useWords();
  const { value } = useResource<WalletDto>('wallet');
  return (
    <Panel title={wallet.receive}>
      {value === undefined ? (
        <Skeleton lines={2} />
      ) : (
        <div className="receive">
          <QrCode text={value.address} label={wallet.addressQr} />
          <div className="receive-text">
            <p>{wallet.receiveHint}</p>
            <div className="receive-address">
              <span className="mono">{value.address}</span>
              <CopyButton text={value.address} name={wallet.address} />
            </div>
          </div>
        </div>
      )}
    </Panel>
  );
}
