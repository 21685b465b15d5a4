package com.example.tour;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.io.entity.EntityUtils;

/** Two clients and a server, which meet on loopback. */
final class Web {
  private Web() {}

  interface Client {
    String get(String url) throws IOException;
  }

  /** Starts a Netty server and has the client ask it. */
  static String get(Client client) throws Exception {
    var group = new NioEventLoopGroup(1);
    try {
      var server =
          new ServerBootstrap()
              .group(group)
              .channel(NioServerSocketChannel.class)
              .childHandler(
                  new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                      channel.pipeline().addLast(new HttpServerCodec(), new Greeter());
                    }
                  });
      var channel = server.bind(InetAddress.getLoopbackAddress(), 0).sync().channel();
      return client.get("http://127.0.0.1:" + ((InetSocketAddress) channel.localAddress()).getPort() + "/");
    } finally {
      group.shutdownGracefully(0, 1, java.util.concurrent.TimeUnit.SECONDS).sync();
    }
  }

  static String okhttp(String url) throws IOException {
    try (var response = new OkHttpClient().newCall(new Request.Builder().url(url).build()).execute()) {
      return response.body().string();
    }
  }

  static String httpclient(String url) throws IOException {
    try (var client = HttpClients.createDefault()) {
      return client.execute(new HttpGet(url), response -> EntityUtils.toString(response.getEntity()));
    }
  }

  private static final class Greeter extends SimpleChannelInboundHandler<HttpObject> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
      if (message instanceof HttpRequest) {
        var body = Unpooled.copiedBuffer("greetings from netty", StandardCharsets.UTF_8);
        var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, body);
        response.headers().set("Content-Length", body.readableBytes());
        context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
      }
    }
  }
}
