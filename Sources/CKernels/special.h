// Special functions of one point.
#ifndef CKERNELS_SPECIAL_H
#define CKERNELS_SPECIAL_H
double ck_erfinv(double x);
double ck_lgamma(double x);
double ck_digamma(double x);
double ck_polygamma(double n, double x);
double ck_sigmoid(double x);
double ck_softplus(double x);
double ck_log_sigmoid(double x);
double ck_logaddexp(double x, double y);
double ck_xlogy(double x, double y);
double ck_remainder(double x, double y);
float ck_erfinvf(float x);
float ck_lgammaf(float x);
float ck_digammaf(float x);
float ck_polygammaf(float n, float x);
float ck_sigmoidf(float x);
float ck_softplusf(float x);
float ck_log_sigmoidf(float x);
float ck_logaddexpf(float x, float y);
float ck_xlogyf(float x, float y);
float ck_remainderf(float x, float y);
#endif
