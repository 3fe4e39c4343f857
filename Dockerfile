FROM node:22-bookworm AS build
WORKDIR /cloison
COPY . .
# The build installs what it needs.
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
WORKDIR /cloison
COPY --from=build /cloison/node_modules node_modules
COPY --from=build /cloison/dist dist
COPY --from=build /cloison/migrations migrations
COPY --from=build /cloison/package.json /cloison/LICENSE ./
RUN useradd --uid 991 --user-group --no-create-home cloison && install -d -o cloison -g cloison -m 700 /data
USER 991:991
VOLUME /data
EXPOSE 8008 8448
ENV NODE_ENV=production
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8008/health').then((res) => process.exit(res.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve", "--config", "/data/homeserver.yaml"]
