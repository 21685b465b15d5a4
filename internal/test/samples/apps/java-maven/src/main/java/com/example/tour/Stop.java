package com.example.tour;

import java.util.concurrent.Callable;

/** One library, and what it can do. */
public record Stop(String name, Callable<?> what) {
  String visit() throws Exception {
    return String.valueOf(what.call());
  }
}
