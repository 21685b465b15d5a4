package com.example.tour;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.NotBlank;

/** A place that one can visit. */
public record Place(@NotBlank String name, @NotBlank String country, @Max(2000) int founded) {}
