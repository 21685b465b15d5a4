package com.example.tour;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableListMultimap;
import com.google.common.collect.Multimaps;
import com.ibm.icu.text.RuleBasedNumberFormat;
import com.ibm.icu.text.Transliterator;
import java.util.List;
import java.util.Locale;
import org.apache.commons.collections4.bag.HashBag;
import org.apache.commons.lang3.StringUtils;
import org.apache.commons.text.WordUtils;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** Playing with words. */
final class Words {
  private Words() {}

  static ImmutableListMultimap<Integer, String> byLength(String text) {
    return Multimaps.index(Splitter.on(' ').split(text), String::length);
  }

  static int count(String text, String word) {
    return new HashBag<>(List.of(text.split(" "))).getCount(word);
  }

  static String initials(String text) {
    return StringUtils.reverse(StringUtils.upperCase(WordUtils.initials(text), Locale.ROOT));
  }

  static int distance(String from, String to) {
    return LevenshteinDistance.getDefaultInstance().apply(from, to);
  }

  static String latin(String text) {
    return Transliterator.getInstance("Any-Latin; Latin-ASCII").transliterate(text);
  }

  static String spelled(int number) {
    return new RuleBasedNumberFormat(Locale.ENGLISH, RuleBasedNumberFormat.SPELLOUT).format(number);
  }
}
