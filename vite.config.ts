import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The window. `vite build` makes `dist/renderer`; `--mode fake` builds or serves the same window over the scripted bridge
 * of the tests (`npx vite --mode fake`, then open /test/renderer/fake.html).
 */
export default defineConfig(({ mode }) => {
  const fake = mode === 'fake';
  return {
    root: fake ? here('.') : here('renderer'),
    base: './',
    publicDir: false,
    plugins: [react()],
    build: {
      outDir: fake ? here('dist/renderer-fake') : here('dist/renderer'),
      emptyOutDir: true,
      // Electron 22 in tests is Chrome 108; nesting and newer syntax are lowered for it
      target: 'chrome108',
      cssTarget: 'chrome108',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1_500,
      sourcemap: true,
      ...(fake ? { rolldownOptions: { input: here('test/renderer/fake.html') } } : {}),
    },
  };
});
