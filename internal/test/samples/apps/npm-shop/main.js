// A stand-in for an application with many dependencies, for measuring caches.
exports.main = () => "shop"
