// Express with http-proxy-middleware as a plain proxy without any authentication, one process.
import http from 'node:http'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'

const { PORT, UPSTREAM } = process.env
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
const app = express()
app.disable('x-powered-by')
app.use(createProxyMiddleware({ target: `http://127.0.0.1:${UPSTREAM}`, agent, changeOrigin: true }))
app.listen(Number(PORT), '127.0.0.1', 4096)
