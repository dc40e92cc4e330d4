import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `vite` (development) finds the API: the console's own fake one, or a running `millrace dev`. */
const api = process.env.MILLRACE_API ?? 'http://127.0.0.1:8099'

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist/site',
    target: 'es2023',
    // Data URLs would need an exception in the content security policy.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            { name: 'tanstack', test: /node_modules[\\/]@tanstack[\\/]/ },
            { name: 'mantine', test: /node_modules[\\/](@mantine|@floating-ui)[\\/]/ },
          ],
        },
      },
    },
  },
  server: { host: '127.0.0.1', port: 5199, proxy: { '/api': { target: api, changeOrigin: true } } },
})
