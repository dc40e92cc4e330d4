export { type TcpListenerOptions, tcpListener } from './tcp-listener.ts'
