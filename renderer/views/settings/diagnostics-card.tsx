import { Button, Modal } from '@mantine/core';
import { Download, FileText } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Diagnostics } from '../../../src/contract/shell.ts';
import { sizeText } from '../../../src/contract/words.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';

function LookInside({ entries, onClose }: { entries: Diagnostics['entries']; onClose: () => void }) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [name, setName] = useState(entries[0]?.name ?? '');
  const [text, setText] = useState('');
  useEffect(() => {
    void attempt(bridge.shell.readDiagnostics?.({ name })).then((file) => setText(file?.text ?? ''));
  }, [bridge, attempt, name]);
  return (
    <Modal
      opened
      size="56rem"
      onClose={onClose}
      title={texts.settings.lookTitle}
      closeButtonProps={{ 'aria-label': texts.common.close }}
    >
      <div className="chips">
        {entries.map((entry) => (
          <button
            key={entry.name}
            type="button"
            className="chip mono"
            aria-pressed={entry.name === name}
            onClick={() => setName(entry.name)}
          >
            {entry.name}
          </button>
        ))}
      </div>
      <textarea className="bundle-text" readOnly aria-label={name} value={text} />
    </Modal>
  );
}

/** What an administrator gets, shown before it leaves this computer; secrets are already taken out. */
export function DiagnosticsCard() {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [found, setFound] = useState<Diagnostics | null>(null);
  const [looking, setLooking] = useState(false);
  const [savedTo, setSavedTo] = useState<string | null>(null);
  const { diagnostics, readDiagnostics, saveDiagnostics } = bridge.shell;
  useEffect(() => {
    void attempt(diagnostics?.({})).then((answer) => setFound(answer ?? null));
  }, [attempt, diagnostics]);
  if (diagnostics === undefined) {
    return null;
  }
  return (
    <section className="card setting-card">
      <h2>{texts.settings.diagnostics}</h2>
      <p className="small quieter">{texts.settings.diagnosticsText}</p>
      <table className="plain-table small bundle">
        <tbody>
          {(found?.entries ?? []).map((entry) => (
            <tr key={entry.name}>
              <td className="mono">{entry.name}</td>
              <td className="num quieter">{sizeText(entry.sizeBytes)}</td>
              <td className="num quieter">{texts.settings.removed(entry.removed)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="row bundle-actions">
        {readDiagnostics !== undefined && (
          <Button
            size="xs"
            disabled={found === null}
            leftSection={<FileText className="icon icon-small" aria-hidden="true" />}
            onClick={() => setLooking(true)}
          >
            {texts.settings.look}
          </Button>
        )}
        {saveDiagnostics !== undefined && (
          <Button
            size="xs"
            disabled={found === null}
            leftSection={<Download className="icon icon-small" aria-hidden="true" />}
            onClick={() => attempt(saveDiagnostics({})).then((answer) => setSavedTo(answer?.path ?? null))}
          >
            {texts.settings.save(found?.bundleBytes ?? 0)}
          </Button>
        )}
      </div>
      <output className="small quieter">{savedTo !== null && texts.settings.savedTo(savedTo)}</output>
      {looking && found !== null && <LookInside entries={found.entries} onClose={() => setLooking(false)} />}
    </section>
  );
}
