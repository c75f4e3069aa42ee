/** Contacts to and from other programs, as a vCard file. */
import { Download, Upload } from 'lucide-react';
import { useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import type { ImportReportDto, VcardsDto } from '../../../src/api/people-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { saveFile } from '../ui/save-file.ts';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { Problem } from './problem.tsx';
import { useAction } from './use-action.ts';

export function ContactFiles() {
  const { files } = useWords().contacts;
  const { api } = useData();
  const { isBusy, problem, run } = useAction();
  const [report, setReport] = useState<ImportReportDto | undefined>(undefined);

  function exportAll(): void {
    run(
      async () => await api.get<VcardsDto>('vcards'),
      ({ vcard }) => saveFile(new Blob([vcard], { type: 'text/vcard' }), files.filename),
    );
  }

  function importFile(file: File | undefined): void {
    if (file === undefined) return;
    setReport(undefined);
    run(async () => {
      const json = { vcard: await file.text() };
      return await api.send<ImportReportDto>('vcards', { method: 'POST', json });
    }, setReport);
  }

  return (
    <section className="contacts-panel">
      <h3>{files.title}</h3>
      <p className="contacts-hint">{files.hint}</p>
      <div className="contacts-actions">
        <Button icon={Download} isDisabled={isBusy} onPress={exportAll}>
          {files.export}
        </Button>
        <FileTrigger
          acceptedFileTypes={['.vcf', 'text/vcard']}
          onSelect={(chosen) => importFile(chosen?.[0] ?? undefined)}
        >
          <Button icon={Upload} isDisabled={isBusy}>
            {files.import}
          </Button>
        </FileTrigger>
      </div>
      <Problem text={problem} />
      <p role="status">{report !== undefined && fill(files.report, { ...report })}</p>
    </section>
  );
}
