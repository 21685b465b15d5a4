package com.example.tour;

import jakarta.validation.Validation;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.commons.codec.digest.DigestUtils;
import org.bouncycastle.jcajce.provider.digest.SHA3;
import org.hibernate.validator.messageinterpolation.ParameterMessageInterpolator;
import org.joda.time.Days;
import org.joda.time.LocalDate;

/** Checks and sums. */
final class Checks {
  private Checks() {}

  static int violations(Place place) {
    var configuration = Validation.byDefaultProvider().configure().messageInterpolator(new ParameterMessageInterpolator());
    try (var factory = configuration.buildValidatorFactory()) {
      return factory.getValidator().validate(place).size();
    }
  }

  static String sha256(String text) {
    return DigestUtils.sha256Hex(text);
  }

  static String sha3(String text) {
    return HexFormat.of().formatHex(new SHA3.Digest256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  static int days(String from, String to) {
    return Days.daysBetween(LocalDate.parse(from), LocalDate.parse(to)).getDays();
  }
}
