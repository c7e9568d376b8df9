// In place of the module that serves the application in this process: the address of ours.
exports.createApplication = (httpServer) => {
  httpServer.address = () => ({ port: Number(new URL(process.env.OURS).port) });
};
