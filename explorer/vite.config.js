// How the explorer page becomes static files.
//
// `npm ci && npm run build` writes everything the page needs (scripts, styles,
// editor workers, the icon font) into api/static/explorer/, which the Python
// server hands out under /explorer/. Nothing is loaded from anywhere else, so
// the page works on a machine without any outside connection.
//
// While working on the page: start the server, then run `npm run watch` here
// and reload the browser. There is no separate development server, because the
// page needs the real API and its config.json beside it.
import { defineConfig } from 'vite'

export default defineConfig({
  // Addresses relative to index.html: the folder may be mounted under any path.
  base: './',
  build: {
    outDir: '../api/static/explorer',
    // The folder lies outside of this one, so Vite wants to be told that it
    // may empty it.
    emptyOutDir: true,
    // The notices of the bundled packages travel with the bundle.
    license: { fileName: 'third-party-licenses.md' },
    // The editor (monaco) comes in a few big chunks, fetched after the page
    // has painted; splitting it further would only make more requests.
    chunkSizeWarningLimit: 2000,
    // The animation library marks its files for server rendering, once per file;
    // there is no server rendering here, so the notes would only hide others.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
})
