import { Button, Menu } from '@mantine/core';
import { ChevronDown, Pause, Play } from 'lucide-react';
import { useAct } from '../state/window-context.tsx';
import { texts } from '../words.ts';

const HOUR_MS = 3_600_000;

/** Six in the morning: "until tomorrow" means the next working day's start, not midnight. */
const MORNING_HOUR = 6;

function tomorrowMs(): number {
  const at = new Date();
  at.setDate(at.getDate() + 1);
  at.setHours(MORNING_HOUR, 0, 0, 0);
  return at.getTime();
}

/** Pauses one folder, or everything when `folderId` is null; where it is paused, resumes. */
export function PauseMenu({ folderId, paused }: { folderId: string | null; paused: boolean }) {
  const { run } = useAct();
  if (paused) {
    return (
      <Button
        leftSection={<Play className="icon" aria-hidden="true" />}
        onClick={() => run('folders.resume', { folderId })}
      >
        {texts.pause.resume}
      </Button>
    );
  }
  const pause = (untilMs: number | null) => () => run('folders.pause', { folderId, untilMs });
  return (
    <Menu>
      <Menu.Target>
        <Button
          leftSection={<Pause className="icon" aria-hidden="true" />}
          rightSection={<ChevronDown className="icon icon-small" aria-hidden="true" />}
        >
          {texts.pause.button}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => pause(Date.now() + HOUR_MS)()}>{texts.pause.hour}</Menu.Item>
        <Menu.Item onClick={() => pause(tomorrowMs())()}>{texts.pause.tomorrow}</Menu.Item>
        <Menu.Item onClick={pause(null)}>{texts.pause.untilResume}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
