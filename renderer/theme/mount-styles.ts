import '@mantine/core/styles.layer.css';
import 'uplot/dist/uPlot.min.css';
import '../styles/base.css';
import '../styles/parts.css';
import '../styles/frame.css';
import '../styles/overview.css';
import '../styles/folder.css';
import '../styles/blocks.css';
import '../styles/problems.css';
import '../styles/settings.css';
import '../styles/first-run.css';
import { adoptVariables } from './adopt-variables.ts';

/** All styles of the window, before its first drawing. */
export function mountStyles(): void {
  adoptVariables(document);
}
